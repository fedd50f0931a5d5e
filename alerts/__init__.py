"""What needs a look now? Alert rules, alerts, notifications."""
