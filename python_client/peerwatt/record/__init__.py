"""What came of a replay: results, bills and figures, as plain records."""
