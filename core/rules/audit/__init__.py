"""What in a season's rows contradicts other rows, or the sport's rules: pure checks in one table."""
