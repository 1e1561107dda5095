"""Where Tonearm runs: settings, engines, stores and the local servers."""
