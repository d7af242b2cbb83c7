import Testing

/// One test at a time: they wait for servers, and each that waits takes one of the few threads that
/// all tests share.
@Suite(.serialized) enum TLSTests {}
