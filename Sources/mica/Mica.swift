import ArgumentParser

@main struct Mica: ParsableCommand {}
