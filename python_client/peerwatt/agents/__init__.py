"""The parties at home: meters, forecasts and bidding strategies, all deterministic under one seed."""
