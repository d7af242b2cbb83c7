import Core
import TestSupport
import Testing

@testable import WebSocket

/// SHA-1 and handshake keys, against their specifications' own examples.
@Suite struct DigestTests {
  private func digest(_ message: [UInt8]) -> String {
    let digest = SHA1.digest(of: message.span)
    return (0..<20).map { index in
      let byte = String(digest[index], radix: 16)
      return byte.count == 1 ? "0" + byte : byte
    }.joined()
  }

  @Test(
    arguments: [
      ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
      ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
      ),
    ])
  func examplesOfFIPS180(message: String, expected: String) {
    #expect(digest(utf8(message)) == expected)
  }

  @Test func aMillionTimesTheSameLetter() {
    #expect(
      digest([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))
        == "34aa973cd4c4daa4f61eeb2bdbad27316534016f")
  }

  /// Around the end of a block the padding takes one block more. From Python's hashlib.
  @Test(
    arguments: [
      (55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
      (56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
      (63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
      (64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
      (65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
    ])
  func lengthsAroundABlock(count: Int, expected: String) {
    #expect(digest([UInt8](repeating: UInt8(ascii: "a"), count: count)) == expected)
  }

  private func received(_ text: String) -> HandshakeKey? { HandshakeKey(utf8(text).span) }

  @Test func keyAndAnswerOfRFC6455() throws {
    let key = HandshakeKey(nonce: sampleNonce)
    #expect(key.text.withBytes { text($0) } == "dGhlIHNhbXBsZSBub25jZQ==")
    #expect(key.accept.withBytes { text($0) } == sampleAccept)
    let again = try #require(received("dGhlIHNhbXBsZSBub25jZQ=="))
    #expect(again.accept.withBytes { text($0) } == sampleAccept)
  }

  @Test(arguments: [
    "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZR==",
    "dGhlIHNhbXBsZSBub25jZQQ=", "dGhl-HNhbXBsZSBub25jZQ==", "dGhl HNhbXBsZSBub25jZQ==",
  ])
  func whatIsNot16BytesIsNoKey(text: String) {
    #expect(received(text) == nil)
  }
}
