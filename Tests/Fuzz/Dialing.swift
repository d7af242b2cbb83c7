// modules: Core WebSocket Dialing
// seeds: Tests/Fuzz/dialing
import Core
import Dialing

/// Any bytes are a URL whose parts lie inside, or none; and any bytes from a proxy open the way, fail,
/// or are too few, however they are split. The first byte says where the split is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = UnsafeBufferPointer(start: start, count: count).span
  checkURLs(bytes)
  guard count > 1 else { return 0 }
  let input = bytes.extracting(1..<count)
  let cut = Int(bytes[0]) % input.count
  var socks = Proxy(.socks5, host: .empty, port: 1)
  checkProxy(socks, input, cut)
  socks.user = Text(0..<1)
  checkProxy(socks, input, cut)
  checkProxy(Proxy(.http, host: .empty, port: 1), input, cut)
  return 0
}

private func checkURLs(_ text: Span<UInt8>) {
  if let url = try? BrokerURL(text) {
    check([url.endpoint.host, url.endpoint.path, url.user], text)
    precondition((url.endpoint.kind == .unix) == url.endpoint.host.isEmpty)
    precondition((url.endpoint.kind == .unix) == (url.endpoint.port == 0))
    let user = FixedText<256> { out in url.writeUser(of: text, into: &out) }
    precondition(user.isEmpty == url.user.isEmpty && user.withBytes { $0.isUTF8 })
  }
  if let url = try? ProxyURL(text) {
    check([url.proxy.host, url.user], text)
    precondition(url.proxy.port > 0 && !url.proxy.host.isEmpty)
    let user = FixedText<255> { out in url.writeUser(of: text, into: &out) }
    precondition(user.isEmpty == url.user.isEmpty)
  }
}

private func check(_ parts: [Text], _ text: Span<UInt8>) {
  for part in parts { precondition(part.range.upperBound <= text.count) }
}

private func checkProxy(_ proxy: Proxy, _ input: Span<UInt8>, _ cut: Int) {
  let whole = Dialogue(proxy, input, cutAt: input.count)
  let split = Dialogue(proxy, input, cutAt: cut)
  precondition(whole.handshake.state == split.handshake.state)
  precondition(whole.taken == split.taken && whole.sent == split.sent)
  precondition(whole.handshake.state != .waiting || whole.taken == input.count)
}

/// What a handshake makes of bytes that come in two pieces.
private struct Dialogue {
  var handshake: ProxyHandshake
  var taken = 0
  var sent: UInt64 = 0

  init(_ proxy: Proxy, _ input: Span<UInt8>, cutAt cut: Int) {
    handshake = ProxyHandshake(proxy)
    send()
    for end in [cut, input.count] {
      while taken < end, handshake.state == .waiting {
        taken += handshake.receive(input.extracting(taken..<end))
        send()
      }
    }
  }

  private mutating func send() {
    let host: [UInt8] = [0x62]
    let message = FixedText<1408> { out in
      handshake.writeMessage(
        ProxyTarget(host: host.span, port: 1883, user: host.span, password: host.span), into: &out)
    }
    guard !message.isEmpty else { return }
    sent = sent &* 31 &+ message.withBytes { $0.fnv1a }
  }
}
