"""What the tests share: databases to run on."""
