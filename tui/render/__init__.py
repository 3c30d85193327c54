"""Values → text. Nothing here imports Textual; widths are in terminal cells."""
