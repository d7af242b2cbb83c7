import Core

/// What a client sends as Sec-WebSocket-Key, and the answer that shows that a server has read it
/// (RFC 6455, sections 4.1 and 4.2.2).
struct HandshakeKey: BitwiseCopyable, Sendable {
  /// The key as it is sent: 16 bytes in base64.
  let text: FixedText<24>

  /// The key of 16 random bytes.
  init(nonce: InlineArray<16, UInt8>) {
    text = FixedText { out in out.append(base64: nonce.span) }
  }

  /// The key that a client has sent; nil when that is not 16 bytes in base64.
  init?(_ received: Span<UInt8>) {
    var isGood = false
    let nonce = FixedText<16> { out in isGood = out.append(decodingBase64: received) }
    guard isGood, nonce.count == 16 else { return nil }
    text = FixedText(received)
  }

  /// Sec-WebSocket-Accept: the digest of the key and the protocol's own identifier, in base64.
  var accept: FixedText<28> {
    var message = FixedText<60>()
    message.append(text)
    message.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
    let digest = message.withBytes { SHA1.digest(of: $0) }
    return FixedText { out in out.append(base64: digest.span) }
  }
}
