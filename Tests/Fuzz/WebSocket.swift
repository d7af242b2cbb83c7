// modules: Core WebSocket
import Core
import WebSocket

nonisolated(unsafe) private let memory = UnsafeMutableRawBufferPointer.allocate(
  byteCount: 8192, alignment: Arena.alignment)

/// Any bytes are a handshake, frames, the beginning of either, or refused; and whether they come at
/// once or split makes no difference. The first byte says where the split is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count).span
  guard count > 1 else { return 0 }
  let input = bytes.extracting(1..<count)
  let cut = Int(bytes[0]) % input.count
  checkHandshakes(input, cut)
  for side in [Side.client, .server] {
    let whole = Trace(input, cutAt: input.count, side)
    let split = Trace(input, cutAt: cut, side)
    precondition(whole.hash == split.hash && whole.count == split.count)
    precondition(whole.end == split.end)
  }
  return 0
}

private func checkHandshakes(_ input: Span<UInt8>, _ cut: Int) {
  var client = ClientHandshake(nonce: InlineArray(repeating: 0))
  var splitClient = client
  let taken = client.receive(input)
  var splitTaken = splitClient.receive(input.extracting(0..<cut))
  if splitTaken == cut { splitTaken += splitClient.receive(input.extracting(cut..<input.count)) }
  precondition(client.state == splitClient.state && taken == splitTaken)
  precondition(client.state != .waiting || taken == input.count)
  var server = ServerHandshake()
  _ = server.receive(input)
  if server.state == .requested { precondition(server.path[0] == UInt8(ascii: "/")) }
}

/// What a reader makes of bytes that come in two pieces.
private struct Trace {
  var count = 0
  var hash: UInt64 = 0
  var end: FrameEnd?

  init(_ input: Span<UInt8>, cutAt cut: Int, _ side: Side) {
    var arena = Arena(over: memory)
    var queue = ByteQueue("bytes", capacity: input.count, arena: &arena)
    var reader = FrameReader(side: side)
    for piece in [0..<cut, cut..<input.count] {
      queue.append { out in
        out.append(contentsOf: input.extracting(piece))
        reader.unwrap(&out, from: 0)
      }
      _ = reader.takePing()
    }
    count = queue.count
    hash = queue.withBytes { $0.fnv1a }
    end = reader.end
  }
}
