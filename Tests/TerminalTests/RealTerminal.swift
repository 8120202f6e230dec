import Testing

/// Tests that run the program in a pseudo terminal: one after the other, since they look at time and processors.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RealTerminal {}
