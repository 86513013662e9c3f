"""The same model trained in several ways at once, side by side: time, samples, bytes sent, and what came out."""
