from benchmark.audio.formats import decodable_formats


def test_what_the_readme_promises_can_be_decoded_and_what_libsndfile_lacks_cannot() -> None:
    formats = decodable_formats()
    assert all(formats[name] for name in ("wav", "flac", "ogg", "mp3"))
    assert not formats["m4a"]
