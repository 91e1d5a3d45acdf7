"""Tests of sealing: cells, keyring, encodings, pseudonyms."""
