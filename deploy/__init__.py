"""Bundle -> package, site, local server, and replays in every runtime."""
