"""What a replay leaves behind: terminal tables, an export that can be plotted elsewhere, one HTML page."""
