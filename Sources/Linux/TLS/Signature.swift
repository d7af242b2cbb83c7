import CTLS
import Core

/// A signature by Ed25519 (RFC 8032), which OpenSSL verifies.
public enum Signature {
  /// Bytes of a public key.
  public static var keyBytes: Int { Int(CTLS_KEY_BYTES) }
  /// Bytes of a signature.
  public static var bytes: Int { Int(CTLS_SIGNATURE_BYTES) }

  /// What can be said of a signature.
  public enum Verdict: Sendable {
    /// The key's owner has signed these bytes.
    case good
    /// Somebody else has, or these are not the bytes.
    case wrong
    /// OpenSSL is missing, or has no memory.
    case unknown
  }

  /// Whether the owner of `key` has signed `message`. Loads OpenSSL if it is not loaded yet.
  public static func verify(
    _ signature: Span<UInt8>, of message: Span<UInt8>, by key: Span<UInt8>
  ) -> Verdict {
    guard key.count == keyBytes, signature.count == bytes else { return .wrong }
    let verdict = unsafe key.withUnsafeBufferPointer { key in
      unsafe signature.withUnsafeBufferPointer { signature in
        unsafe message.withUnsafeBufferPointer { message in
          // Sound: the counts were checked, and the call only reads.
          unsafe ctls_signature_verify(
            key.baseAddress, signature.baseAddress, message.baseAddress, message.count)
        }
      }
    }
    switch verdict {
    case CTLS_SIGNATURE_GOOD: return .good
    case CTLS_SIGNATURE_WRONG: return .wrong
    default: return .unknown
    }
  }
}

/// A private key that signs.
@safe public struct Signer: ~Copyable {
  private let system: OpaquePointer

  /// A new key; nil when OpenSSL is missing.
  public init?() {
    guard let key = unsafe ctls_signer_generate() else { return nil }
    unsafe system = key
  }

  /// The key in a PEM text, which has no passphrase; nil when there is none of Ed25519 in it.
  public init?(pem: Span<UInt8>) {
    let read = unsafe pem.withUnsafeBufferPointer {
      // Sound: the call only reads the bytes.
      unsafe ctls_signer_read($0.baseAddress, $0.count)
    }
    guard let key = unsafe read else { return nil }
    unsafe system = key
  }

  deinit { unsafe ctls_signer_release(system) }

  /// The public key.
  public var key: FixedText<32> {
    FixedText { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, count in
        // Sound: the call writes 32 bytes, which are there.
        if unsafe ctls_signer_key(system, buffer.baseAddress) { count = Signature.keyBytes }
      }
    }
  }

  /// The private key as PEM (PKCS #8); empty when there is no memory.
  public var pem: FixedText<256> {
    FixedText { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, count in
        // Sound: the call writes no more than there is room for.
        count = unsafe ctls_signer_write(system, buffer.baseAddress, buffer.count)
      }
    }
  }

  /// The signature of `message`; nil when there is no memory.
  public func sign(_ message: Span<UInt8>) -> FixedText<64>? {
    let signature = FixedText<64> { out in
      unsafe out.withUnsafeMutableBufferPointer { buffer, count in
        unsafe message.withUnsafeBufferPointer { message in
          // Sound: the call writes 64 bytes, which are there, and only reads the message.
          if unsafe ctls_signer_sign(
            system, message.baseAddress, message.count, buffer.baseAddress)
          {
            count = Signature.bytes
          }
        }
      }
    }
    return signature.count == Signature.bytes ? signature : nil
  }
}
