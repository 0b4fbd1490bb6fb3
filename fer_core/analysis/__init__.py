"""From pictures to faces and expressions: one picture, a stream, a video."""
