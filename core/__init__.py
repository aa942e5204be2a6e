"""What has no opinion: settings, errors, time, files, pictures and video decoding."""
