import Core
import Foundation
import Testing

@testable import Linux

/// Ed25519 by the vectors of RFC 8032, section 7.1.
@Suite struct SignatureTests {
  struct Vector {
    var secret: String
    var key: String
    var message: String
    var signature: String
  }

  static let vectors = [
    Vector(
      secret: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      key: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
        + "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    Vector(
      secret: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      key: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
        + "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    Vector(
      secret: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      key: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
        + "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
  ]

  private func hex(_ text: String) -> [UInt8] {
    stride(from: 0, to: text.count, by: 2).map { offset in
      let start = text.index(text.startIndex, offsetBy: offset)
      return UInt8(text[start...].prefix(2), radix: 16) ?? 0
    }
  }

  private func verdict(_ vector: Vector) -> Signature.Verdict {
    let (key, message, signature) = (hex(vector.key), hex(vector.message), hex(vector.signature))
    return Signature.verify(signature.span, of: message.span, by: key.span)
  }

  /// A private key as PEM: PKCS #8 (RFC 8410, section 7) around the secret.
  private func pem(_ secret: String) -> [UInt8] {
    let der = hex("302e020100300506032b657004220420" + secret)
    let text =
      "-----BEGIN PRIVATE KEY-----\n" + Data(der).base64EncodedString()
      + "\n-----END PRIVATE KEY-----\n"
    return Array(text.utf8)
  }

  @Test(arguments: vectors.indices) func theVectorsAreVerified(index: Int) {
    #expect(verdict(Self.vectors[index]) == .good)
  }

  @Test(arguments: vectors.indices) func oneBitMore(index: Int) {
    var vector = Self.vectors[index]
    vector.message += "00"
    #expect(verdict(vector) == .wrong)
    vector = Self.vectors[index]
    vector.signature = "00" + vector.signature.dropFirst(2)
    #expect(verdict(vector) == .wrong)
    vector = Self.vectors[index]
    vector.key = Self.vectors[(index + 1) % Self.vectors.count].key
    #expect(verdict(vector) == .wrong)
  }

  /// RFC 8032, section 5.1.7: S is below the order of the group, or it would be another's signature, too.
  @Test func aSignatureHasOneForm() {
    var vector = Self.vectors[1]
    // S and the order of the group, L = 2^252 + 27742317777372353535851937790883648493.
    let order = hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
    var signature = hex(vector.signature)
    var carry = 0
    for place in 0..<32 {
      carry += Int(signature[32 + place]) + Int(order[place])
      signature[32 + place] = UInt8(carry & 255)
      carry >>= 8
    }
    vector.signature = signature.map { String(format: "%02x", $0) }.joined()
    #expect(verdict(vector) == .wrong)
  }

  @Test func whatIsTooShortIsWrong() {
    let vector = Self.vectors[1]
    let (key, message, signature) = (hex(vector.key), hex(vector.message), hex(vector.signature))
    let short = Array(signature.dropLast())
    let longKey = key + [0]
    let verdicts = [
      Signature.verify(short.span, of: message.span, by: key.span),
      Signature.verify(signature.span, of: message.span, by: longKey.span),
    ]
    #expect(verdicts == [.wrong, .wrong])
  }

  @Test(arguments: vectors.indices) func theVectorsAreSigned(index: Int) {
    let vector = Self.vectors[index]
    let (text, message) = (pem(vector.secret), hex(vector.message))
    guard let signer = Signer(pem: text.span) else {
      Issue.record("the key is not read")
      return
    }
    #expect(copy(signer.key) == hex(vector.key))
    #expect(signer.sign(message.span).map { copy($0) } == hex(vector.signature))
  }

  @Test func aNewKeySignsAndComesBackFromItsFile() {
    guard let first = Signer(), let other = Signer() else {
      Issue.record("OpenSSL makes no key")
      return
    }
    let text = copy(first.pem)
    guard let again = Signer(pem: text.span) else {
      Issue.record("the key is not read")
      return
    }
    let (key, otherKey, message) = (copy(first.key), copy(other.key), Array("hello".utf8))
    #expect(copy(again.key) == key && key.count == 32 && otherKey != key)
    let signature = again.sign(message.span).map { copy($0) } ?? []
    let verdict = Signature.verify(signature.span, of: message.span, by: key.span)
    #expect(verdict == .good)
  }

  @Test(arguments: ["", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
  func whatIsNoKeyIsNone(text: String) {
    let bytes = Array(text.utf8)
    if Signer(pem: bytes.span) != nil { Issue.record("a key") }
  }

  private func copy<let capacity: Int>(_ text: FixedText<capacity>) -> [UInt8] {
    text.withBytes { bytes in bytes.indices.map { bytes[$0] } }
  }
}
