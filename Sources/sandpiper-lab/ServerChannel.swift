import Core
import WebSocket

/// The server's end of one WebSocket that carries MQTT: the upgrade, then frames both ways.
///
/// Owns the bytes between the broker and the socket, and no more of them than `outputMax` and an
/// answer: the broker's output is framed when what was framed before is gone.
struct ServerChannel {
  private var handshake = ServerHandshake()
  private var reader = FrameReader(side: .server)
  private var isOpen = false
  /// Bytes for the socket.
  private(set) var output: [UInt8] = []
  /// True when the socket is to be closed once the output is written: the client has closed, or
  /// broken the rules, or asked for something else than MQTT.
  private(set) var isEnded = false

  private static let outputMax = 65_536

  /// Takes what the socket has brought; returns what of it is MQTT.
  mutating func receive(_ bytes: [UInt8]) -> [UInt8] {
    guard !isEnded else { return [] }
    var rest = bytes[...]
    if !isOpen {
      rest = rest.dropFirst(handshake.receive(bytes.span))
      switch handshake.state {
      case .waiting: return []
      case .refused(let status):
        append(upTo: ServerHandshake.answerBytesMax) {
          ServerHandshake.writeRefusal(status, into: &$0)
        }
        isEnded = true
        return []
      case .requested:
        let accepted = handshake
        append(upTo: ServerHandshake.answerBytesMax) { accepted.writeAcceptance(into: &$0) }
        isOpen = true
      }
    }
    let framed = Array(rest)
    let messages = [UInt8](capacity: framed.count) { out in
      out.append(contentsOf: framed.span)
      reader.unwrap(&out, from: 0)
    }
    answer()
    return messages
  }

  /// The pong or the close that is due.
  private mutating func answer() {
    if let end = reader.end {
      close(end.answerCode)
    } else if let ping = reader.takePing(), output.count < Self.outputMax {
      // A client that pings and does not read has to do without.
      append(upTo: FrameHeader.bytesMax + FrameHeader.controlBytesMax) { out in
        ping.withBytes { Frame.append(.pong, payload: $0, mask: nil, to: &out) }
      }
    }
  }

  /// Frames bytes of the broker; returns how many it takes now.
  mutating func frame(_ bytes: ArraySlice<UInt8>) -> Int {
    guard isOpen, !isEnded, output.isEmpty else { return 0 }
    let few = Array(bytes.prefix(Self.outputMax))
    guard !few.isEmpty else { return 0 }
    append(upTo: FrameHeader.bytesMax + few.count) { out in
      Frame.append(.binary, payload: few.span, mask: nil, to: &out)
    }
    return few.count
  }

  /// Says close, if the WebSocket is open.
  mutating func close(_ code: UInt16?) {
    if isOpen, !isEnded { append(upTo: 8) { Frame.appendClose(code: code, mask: nil, to: &$0) } }
    isEnded = true
  }

  /// The socket has taken `count` bytes of the output.
  mutating func consume(_ count: Int) { output.removeFirst(count) }

  private mutating func append(upTo count: Int, _ body: (inout OutputSpan<UInt8>) -> Void) {
    output += [UInt8](capacity: count) { body(&$0) }
  }
}
