"""What every process needs: time, ids, errors, settings, logs."""
