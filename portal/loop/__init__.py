"""The whole loop without a browser: from a log file to an evidence pack that its own verifier holds to."""
