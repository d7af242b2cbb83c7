import Dialing
import TestSupport
import Testing

@Suite struct ServerReferenceTests {
  private func read(_ words: String, _ kind: Endpoint.Kind = .tls) -> String? {
    let bytes = utf8(words)
    guard let reference = ServerReference(bytes.span, kind: kind) else { return nil }
    return "\(reference.host.withBytes { text($0) }) \(reference.port)"
  }

  @Test(
    arguments: [
      ("b.example", "b.example 0"), ("b.example:8884", "b.example 8884"),
      ("192.0.2.1:1", "192.0.2.1 1"), ("[2001:db8::1]:8884", "2001:db8::1 8884"),
      ("[::1]", "::1 0"), ("mqtts://b.example", "b.example 8883"),
      ("mqtts://b.example:1/", "b.example 1"), ("b.example c.example", "b.example 0"),
      ("mqtt://b c.example:7", "c.example 7"), (" b", "b 0"),
      (String(repeating: "b", count: 253), String(repeating: "b", count: 253) + " 0"),
    ] as [(String, String)])
  func firstThatMakesSenseIsTaken(words: String, place: String) {
    #expect(read(words) == place)
  }

  @Test(arguments: [
    "", " ", "b:", "b:0", "b:65536", "b:x", "a@b", "a:b@c", "b/x", "mqtt://b", "wss://b",
    "mqtts://a@b", "mqtts://a:b@c", "[b]", "[::1", "b\0", "b\n", "unix:///b", "://b", ":1883",
    String(repeating: "b", count: 254),
  ])
  func nonsenseAndOtherWaysAreNone(words: String) {
    #expect(read(words) == nil)
  }

  @Test func webSocketHasNoOtherPathAndAUnixSocketNoOtherHost() {
    #expect(read("wss://b", .secureWebSocket) == "b 443")
    #expect(read("wss://b/other", .secureWebSocket) == nil)
    #expect(read("b", .unix) == nil)
  }
}
