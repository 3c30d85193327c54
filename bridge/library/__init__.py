"""A library of songs: found as a stream, computed a few at a time, and resumed by what lies in the results' folder."""
