"""Files: feeders and injections read, imported, written and drawn."""
