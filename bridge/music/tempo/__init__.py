"""The tempo, the metre and the beats of a clip, estimated from its sound."""
