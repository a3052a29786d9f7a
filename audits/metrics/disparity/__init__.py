"""What groups get, compared with one another: rates, errors, compositions, segments, sizes."""
