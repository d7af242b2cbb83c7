import Core

/// How a connection ends: by the transport, by DISCONNECT, or by a fault.
extension ClientSession {
  /// The transport has gone. Messages under way stay for the next one; requests, acknowledgements,
  /// aliases, and bytes that were not sent or not read, do not.
  public mutating func closed() {
    state = .closed
    output.removeAll()
    input.removeAll()
    requests.removeAll()
    inbound.removeAll(limit: 0)
    outbound.removeAll(limit: 0)
    forgetUnfinished()
    leaveReceivedBehind()
    unsentPing = 0
    stalledSince = .never
    lent = nil
    large = nil
    progress = nil
    sentCount = 0
  }

  /// The next connection leads to another server: what was under way with the last one, in both
  /// directions, is none of its session's. Only without a transport.
  public mutating func forgetServer() {
    guard case .closed = state else { preconditionFailure("a session is with one server") }
    forget()
  }

  /// Writes DISCONNECT: the server forgets the will. Close the transport once the output is sent.
  public mutating func disconnect() {
    try? disconnect(reason: .normalDisconnection)
  }

  /// Writes DISCONNECT with a reason and properties, in 5.0; with `.disconnectWithWill`, or one of
  /// the failures, the server publishes the will. Does nothing without a transport.
  public mutating func disconnect(
    reason: V5.DisconnectReason, properties: Span<UInt8> = Span()
  ) throws(RequestError) {
    switch state {
    case .connecting, .online: break
    case .closed, .leaving, .ended: return
    }
    if options.level.isV5 {
      do throws(EncodeError) {
        let list = try V5.Properties(written: properties, in: .disconnectFromClient)
        // Section 3.14.2.2.2: what CONNECT ended with the connection stays so.
        if own.endsSession, (list.number(.sessionExpiryInterval, in: properties) ?? 0) != 0 {
          throw .invalidProperties
        }
        let bodyBytes = 1 + list.size
        guard
          list.isEmpty || 1 + VarInt.size(of: bodyBytes) + bodyBytes <= serverLimits.packetBytesMax
        else { throw .packetTooLarge }
        try output.append { (out) throws(EncodeError) in
          try V5.Disconnect.encode(
            from: .client, reason: reason, properties: properties, into: &out)
        }
      } catch {
        throw RequestError(error)
      }
    } else {
      guard reason == .normalDisconnection, properties.isEmpty else { throw .unsupportedLevel }
      let level = options.level
      write { (out) throws(EncodeError) in
        try BarePacket.disconnect.encode(level: level, into: &out)
      }
    }
    state = .leaving
  }

  /// Reports `fault` and takes no part any more until the transport has gone. A 5.0 server that has
  /// accepted the connection is told why.
  mutating func fail(_ fault: SessionFault) -> SessionEvent {
    if isOnline, options.level.isV5, let reason = fault.disconnectReason {
      output.append(upTo: 3) { out in
        try? V5.Disconnect.encode(from: .client, reason: reason, properties: Span(), into: &out)
      }
    }
    state = .ended
    return .failed(fault)
  }
}
