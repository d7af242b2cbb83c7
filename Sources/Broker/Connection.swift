import Core
import MQTT

/// Names one transport of a broker for as long as it is open.
public struct ConnectionID: Hashable, Sendable {
  let number: UInt32
}

/// One transport and what the broker knows of its other end.
final class Connection {
  let id: ConnectionID
  /// Bytes received and not yet decoded: less than one packet between calls.
  var input: [UInt8] = []
  /// Bytes for the transport; those before `sent` are gone.
  private(set) var output: [UInt8] = []
  private var sent = 0
  /// The version of CONNECT; the default before.
  var level = ProtocolLevel.v311
  /// The client's session; nil before CONNECT and after the end.
  var session: Session?
  /// What is published when the client is lost.
  var will: Message?
  /// One and a half keep-alives; nil without supervision.
  var silenceMax: Interval?
  /// When the last packet came, or when the transport was opened.
  var lastReceived: Instant
  /// When nothing further is received any more, and the transport is to be closed after the output.
  var finishedAt: Instant?

  init(id: ConnectionID, at now: Instant) {
    self.id = id
    lastReceived = now
  }

  /// True once the connection has come to its end.
  var isFinished: Bool { finishedAt != nil }

  /// The packet that begins at `start` of the input; nil while it is not whole.
  func packet(at start: Int, packetBytesMax: Int) throws(DecodeError) -> Packet.Decoded? {
    let bytes = input
    return try Packet.decode(
      bytes.span.extracting(start..<bytes.count), from: .client, level: level,
      packetBytesMax: packetBytesMax)
  }

  /// Bytes that wait for the transport.
  var outputCount: Int { output.count - sent }

  /// The bytes that wait.
  var waiting: ArraySlice<UInt8> { output[sent...] }

  /// The transport has taken `count` bytes.
  func consume(_ count: Int) {
    sent += count
    precondition(sent <= output.count, "more sent than there was")
    if sent == output.count {
      output.removeAll(keepingCapacity: true)
      sent = 0
    } else if sent > 65_536 {
      output.removeFirst(sent)
      sent = 0
    }
  }

  /// The transport will not take what waits.
  func discardOutput() {
    output = []
    sent = 0
  }

  /// Appends a packet of at most `bytes` bytes. What the broker writes it has checked before, so
  /// that encoding cannot fail.
  func write(
    _ bytes: Int, _ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) {
    output.append(addingCapacity: bytes) { out in
      do throws(EncodeError) {
        try encode(&out)
      } catch {
        preconditionFailure("the broker writes only what it may")
      }
    }
  }

  func acknowledge(_ packet: Acknowledgement, _ packetID: UInt16, dup: Bool = false) {
    write(Acknowledgement.size) { out throws(EncodeError) in
      try packet.encode(level: level, packetID: packetID, dup: dup, into: &out)
    }
  }

  func publish(_ message: Message, packetID: UInt16, dup: Bool) {
    write(message.packetBytes) { out throws(EncodeError) in
      try Publish.encode(
        level: level, packetID: packetID, qos: message.qos, retain: message.retain, dup: dup,
        topic: message.topic.span, payload: message.payload.span, into: &out)
    }
  }
}
