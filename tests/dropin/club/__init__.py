"""The web application of a sports club, as the team of one writes it: members, courses, bookings, a desk for managers."""
