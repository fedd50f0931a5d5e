"""Show it and run it: settings, urls, dashboards, API root, commands."""
