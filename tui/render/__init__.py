"""Values → text. Nothing here knows Textual; widths are in terminal cells."""
