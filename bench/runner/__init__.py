"""What bench/run is made of: samples that are taken, rows that are made of them, the report."""
