// The standard headers of the rooms are compiled with this file; see valence_room().
