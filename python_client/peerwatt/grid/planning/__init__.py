"""What a network operator asks before anything flows: how much fits, what an outage does, how a year goes."""
