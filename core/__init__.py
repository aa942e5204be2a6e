"""What all floors share: settings, time, errors, video decoding and model roles."""
