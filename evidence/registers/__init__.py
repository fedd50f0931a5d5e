"""The registers that an officer keeps beside the logs: documents, processing, responses, gaps, tools' reports."""
