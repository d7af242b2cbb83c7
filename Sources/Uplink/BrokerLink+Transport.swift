import Core
import MQTT
import WebSocket

/// What the rim reports: names, transports, and that time has passed.
extension BrokerLink {
  /// The broker's name has `count` addresses.
  public mutating func resolved(count: Int, at now: Instant) {
    guard case .resolving = state else { return }
    guard count > 0 else { return lose(.resolveFailed(code: 0), at: now) }
    connect(to: 0, of: count, at: now)
  }

  /// The broker's name does not resolve.
  public mutating func resolveFailed(code: Int32, at now: Instant) {
    guard case .resolving = state else { return }
    lose(.resolveFailed(code: code), at: now)
  }

  /// The TCP connection is open, and to become a WebSocket before `opened`, by the same deadline.
  public mutating func upgrading() {
    guard case .connecting(let address, let count, let until, _) = state else { return }
    state = .connecting(address: address, of: count, until: until, upgrading: true)
  }

  /// The transport is open: CONNECT is written, with a will at QoS 1 that the broker retains. A
  /// password goes only along with the profile's user name.
  public mutating func opened(
    at now: Instant, clientID: Text, password: Span<UInt8>?, texts: borrowing TextPool,
    willTopic: (inout OutputSpan<UInt8>) -> Void, willPayload: (inout OutputSpan<UInt8>) -> Void
  ) {
    guard case .connecting = state else { return }
    state = .opening
    let topicBytes = topic.fill(from: 0, willTopic)
    let payloadBytes = payload.fill(from: 0, willPayload)
    let options = ConnectOptions(
      level: .v311, cleanSession: !spec.persistentSession,
      keepAlive: UInt16(clamping: Int(narrow: spec.keepAlive.seconds)),
      replyTimeout: spec.replyTimeout)
    let user = spec.user
    Self.open(
      &session, options, topic: topic, topicBytes, payload: payload, payloadBytes,
      clientID: clientID, user: user, password: password, texts: texts, at: now)
  }

  private static func open(
    _ session: inout ClientSession, _ options: ConnectOptions,
    topic: borrowing Table<UInt8>, _ topicBytes: Int,
    payload: borrowing Table<UInt8>, _ payloadBytes: Int,
    clientID: Text, user: Text, password: Span<UInt8>?, texts: borrowing TextPool, at now: Instant
  ) {
    topic.withSpan(count: topicBytes) { topic in
      payload.withSpan(count: payloadBytes) { payload in
        texts.withBytes(of: clientID) { clientID in
          texts.withBytes(of: user) { name in
            do throws(EncodeError) {
              try session.open(
                options, clientID: clientID,
                will: Will(topic: topic, payload: payload, qos: .atLeastOnce, retain: true),
                userName: user.isEmpty ? nil : name, password: user.isEmpty ? nil : password,
                at: now)
            } catch {
              preconditionFailure("the profile's strings and the send buffer fit each other")
            }
          }
        }
      }
    }
  }

  /// The transport failed or was closed by the broker; `code` is errno, 0 for an orderly end.
  public mutating func transportFailed(code: Int32, at now: Instant) {
    ended(
      by: code == 0 ? .closedByPeer : .transport(code: code),
      whileConnecting: .connectFailed(code: code), at: now)
  }

  /// The connection does not become a WebSocket.
  public mutating func upgradeFailed(_ fault: HandshakeFault, at now: Instant) {
    ended(by: .upgradeFailed(fault), whileConnecting: .upgradeFailed(fault), at: now)
  }

  /// The WebSocket has come to its end.
  public mutating func webSocketEnded(_ end: FrameEnd, at now: Instant) {
    ended(by: .webSocket(end), whileConnecting: .webSocket(end), at: now)
  }

  private mutating func ended(
    by fault: LinkFault, whileConnecting connectFault: LinkFault, at now: Instant
  ) {
    switch state {
    case .connecting: connectFailed(connectFault, at: now)
    case .opening, .online: lose(fault, at: now)
    case .closing: stop()
    case .waiting, .resolving, .stopped: break
    }
  }

  /// The address did not do: on to the next, or back to the back-off.
  private mutating func connectFailed(_ fault: LinkFault, at now: Instant) {
    guard case .connecting(let address, let count, _, _) = state, address + 1 < count else {
      return lose(fault, at: now)
    }
    connect(to: address + 1, of: count, at: now)
  }

  /// Does what is due at `now`.
  public mutating func deadlineReached(at now: Instant) {
    switch state {
    case .waiting(let until) where until <= now:
      state = .resolving(until: now + spec.resolveTimeout)
      action = .resolve
    case .resolving(let until) where until <= now: lose(.resolveTimedOut, at: now)
    case .connecting(_, _, let until, let upgrading) where until <= now:
      connectFailed(upgrading ? .upgradeTimedOut : .connectTimedOut, at: now)
    case .online where answerBy <= now: lose(.unanswered, at: now)
    case .closing(let until) where until <= now: stop()
    default: break
    }
  }

  /// Sees to it that a broker that still answers pings but nothing else does not keep the link: each
  /// answer buys time for the next.
  mutating func watchAnswers(at now: Instant) {
    if !session.awaitsAnswer {
      answerBy = .never
    } else if answerBy == .never {
      answerBy = now + spec.answerTimeout
    }
  }

  /// Writes DISCONNECT, and stops once the broker has closed the connection (MQTT 3.1.1, 3.14.4) or
  /// `timeout` has passed. Never again online.
  ///
  /// Closing first would reset the connection if the broker had something more to say, and a reset
  /// may overtake DISCONNECT: the will would be the last word of an orderly stop.
  public mutating func disconnect(at now: Instant, timeout: Interval) {
    guard isOnline else { return stop() }
    session.disconnect()
    state = .closing(until: now + timeout)
  }

  private mutating func connect(to address: Int, of count: Int, at now: Instant) {
    state = .connecting(
      address: address, of: count, until: now + spec.connectTimeout, upgrading: false)
    action = .connect(address: address)
  }
}
