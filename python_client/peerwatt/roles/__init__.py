"""The parties of a market, each with its own key and state."""
