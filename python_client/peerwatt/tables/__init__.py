"""Tables that people hand in: their text, their dialect, their numbers, and the place of every mistake."""
