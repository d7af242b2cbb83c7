import Core

/// Why a server's answer does not open a WebSocket.
public enum HandshakeFault: BitwiseCopyable, Equatable, Sendable {
  /// Another HTTP status than 101: 404, say, where the path leads nowhere.
  case status(UInt16)
  /// No HTTP, or no proper head.
  case malformed
  /// A head that does not end, or a field that matters and is too long.
  case tooLong
  /// Status 101, but `Upgrade: websocket` and `Connection: Upgrade` are not both there.
  case noUpgrade
  /// Sec-WebSocket-Accept is missing, or not the answer to our key: an old answer from a cache.
  case wrongAccept
  /// The server has not chosen the subprotocol mqtt (MQTT 3.1.1, section 6).
  case wrongProtocol
  /// The server uses an extension that nobody has asked for.
  case unwantedExtension
  /// The server closed the connection instead.
  case closed
}

/// The client's side of the opening handshake (RFC 6455, section 4.1): the request, and the server's
/// answer, read as it comes.
public struct ClientHandshake: BitwiseCopyable, Sendable {
  /// How far the server's answer has come.
  public enum State: BitwiseCopyable, Equatable, Sendable {
    /// It is not whole yet.
    case waiting
    /// The WebSocket is open; what follows are frames.
    case open
    /// There will be none.
    case failed(HandshakeFault)
  }

  /// The longest path, in bytes.
  public static var pathBytesMax: Int { 512 }
  /// The longest fields of the client's own, in bytes.
  public static var fieldBytesMax: Int { 4096 }
  /// Room for any request whose host has at most 253 bytes, without fields of the client's own.
  public static var requestBytesMax: Int { 1024 }

  /// What came of the answer so far.
  public private(set) var state = State.waiting
  private let key: HandshakeKey
  private var head = HeadReader()
  private var isStatusKnown = false
  private var upgrades = false
  private var connects = false
  private var accepts = false
  private var speaksMQTT = false

  /// A handshake with a key of 16 random bytes, which no other handshake has had.
  public init(nonce: InlineArray<16, UInt8>) { key = HandshakeKey(nonce: nonce) }

  /// Appends the request: `requestBytesMax` bytes at the most, and those of `fields`. `path` begins
  /// with a slash and holds visible ASCII only. `fields` are whole lines of the client's own, each
  /// checked by `RequestField` and with its CR and LF. `isSecure` for a WebSocket over TLS.
  public func writeRequest(
    host: Span<UInt8>, port: UInt16, path: Span<UInt8>, isSecure: Bool = false,
    fields: Span<UInt8>, into out: inout OutputSpan<UInt8>
  ) {
    precondition(path.count <= Self.pathBytesMax && fields.count <= Self.fieldBytesMax)
    precondition(out.freeCapacity >= Self.requestBytesMax + fields.count)
    out.append(literal: "GET ")
    out.append(contentsOf: path)
    out.append(literal: " HTTP/1.1\r\nHost: ")
    out.append(hostOfURL: host)
    if port != (isSecure ? 443 : 80) {
      out.append(literal: ":")
      out.append(decimal: Int64(wide: Int(port)))
    }
    out.append(literal: "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: ")
    key.text.write(into: &out)
    out.append(literal: "\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n")
    out.append(contentsOf: fields)
    out.append(literal: "\r\n")
  }

  /// Takes bytes from the server up to the end of its answer; returns how many these were. All that
  /// is left belongs to the first frames.
  public mutating func receive(_ bytes: Span<UInt8>) -> Int {
    var count = 0
    while count < bytes.count, state == .waiting {
      step(head.take(bytes[count]))
      count += 1
    }
    return count
  }

  /// The server has closed the connection.
  public mutating func closed() {
    if state == .waiting { state = .failed(.closed) }
  }

  private mutating func step(_ step: HeadReader.Step) {
    switch step {
    case .more: break
    case .malformed: state = .failed(.malformed)
    case .tooLong: state = .failed(.tooLong)
    case .line:
      let line = head.line
      line.withBytes { bytes in
        if isStatusKnown { takeField(bytes, isCut: line.isCut) } else { takeStatus(bytes) }
      }
    case .end: state = finish()
    }
  }

  private mutating func takeStatus(_ line: Span<UInt8>) {
    guard let answer = StatusLine(line), answer.isVersion11 else {
      state = .failed(.malformed)
      return
    }
    isStatusKnown = answer.status == 101
    if !isStatusKnown { state = .failed(.status(answer.status)) }
  }

  private mutating func takeField(_ line: Span<UInt8>, isCut: Bool) {
    guard let field = HeadField(line) else {
      // A name alone that is too long is no field of ours.
      state = .failed(isCut ? .tooLong : .malformed)
      return
    }
    let name = line.extracting(field.name)
    let value = line.extracting(field.value)
    let isOurs: Bool
    if name.equalsIgnoringCase("upgrade") {
      isOurs = true
      upgrades = value.lists("websocket")
    } else if name.equalsIgnoringCase("connection") {
      isOurs = true
      connects = connects || value.lists("upgrade")
    } else if name.equalsIgnoringCase("sec-websocket-accept") {
      isOurs = true
      // Two answers are none (RFC 6455, section 11.3.3).
      guard !accepts, key.accept.equals(value) else {
        state = .failed(.wrongAccept)
        return
      }
      accepts = true
    } else if name.equalsIgnoringCase("sec-websocket-protocol") {
      isOurs = true
      guard !speaksMQTT, value.equals("mqtt") else {
        state = .failed(.wrongProtocol)
        return
      }
      speaksMQTT = true
    } else if name.equalsIgnoringCase("sec-websocket-extensions"), !value.isEmpty {
      state = .failed(.unwantedExtension)
      return
    } else {
      isOurs = false
    }
    if isOurs && isCut { state = .failed(.tooLong) }
  }

  private func finish() -> State {
    guard isStatusKnown else { return .failed(.malformed) }
    guard upgrades && connects else { return .failed(.noUpgrade) }
    guard accepts else { return .failed(.wrongAccept) }
    return speaksMQTT ? .open : .failed(.wrongProtocol)
  }
}
