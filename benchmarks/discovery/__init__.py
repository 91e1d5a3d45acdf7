"""How well the scan finds personal columns: python -m benchmarks.discovery."""
