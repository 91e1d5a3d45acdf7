"""Where SQLAlchemy columns meet the policy: annotations, positions, the sealed type, data subjects."""
