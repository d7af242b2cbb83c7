import Core
import Dialing
import MQTT

/// What the rim reports: that there is a way to the broker, that there is none, and that time has
/// passed.
extension BrokerLink where Medium: ~Copyable {
  /// The way is open: CONNECT is written, with a will at QoS 1 that the broker retains. A
  /// password goes only along with the profile's user name.
  public mutating func opened(
    at now: Instant, clientID: Text, password: Span<UInt8>?, texts: borrowing TextPool,
    willTopic: (inout OutputSpan<UInt8>) -> Void, willPayload: (inout OutputSpan<UInt8>) -> Void
  ) {
    guard case .dialing = state else { return }
    state = .opening
    let topicBytes = topic.fill(from: 0, willTopic)
    let payloadBytes = payload.fill(from: 0, willPayload)
    var options = ConnectOptions(
      level: versions.level, cleanSession: !spec.persistentSession,
      keepAlive: UInt16(clamping: Int(narrow: spec.keepAlive.seconds)),
      replyTimeout: spec.replyTimeout)
    // Topics are said once for each connection: they are most of a small message.
    options.assignsAliases = true
    options.watchesAnswers = true
    options.writeTimeout = spec.answerTimeout
    options.largeMessages = spec.takesLargeMessages ? .stream : .skip
    let user = spec.user
    Self.open(
      &session, options, properties: connectProperties(), topic: topic, topicBytes,
      payload: payload, payloadBytes, clientID: clientID, user: user, password: password,
      texts: texts, at: now)
  }

  /// The longest list that `connectProperties` makes.
  private typealias ConnectProperties = FixedText<16>

  /// What 5.0 lets us announce: how many messages there is room for, and how long a session is to be
  /// kept. No Maximum Packet Size: the broker would leave out what is larger and tell nobody (section
  /// 3.1.2.11.4), and a stranger's large message on our status would stay there, unseen by us.
  private func connectProperties() -> ConnectProperties {
    guard versions.level == .v50 else { return ConnectProperties() }
    let expiry = UInt32(truncatingIfNeeded: Int(narrow: UplinkSpec.sessionExpiry.seconds))
    let isPersistent = spec.persistentSession
    return ConnectProperties { list in
      do throws(EncodeError) {
        if isPersistent { try V5.Properties.append(.sessionExpiryInterval, expiry, to: &list) }
        try V5.Properties.append(
          .receiveMaximum, UInt32(truncatingIfNeeded: Self.receivedMax), to: &list)
      } catch {
        preconditionFailure("two numbers fit, and are in their ranges")
      }
    }
  }

  private static func open(
    _ session: inout ClientSession, _ options: ConnectOptions, properties: ConnectProperties,
    topic: borrowing Table<UInt8>, _ topicBytes: Int,
    payload: borrowing Table<UInt8>, _ payloadBytes: Int,
    clientID: Text, user: Text, password: Span<UInt8>?, texts: borrowing TextPool, at now: Instant
  ) {
    topic.withSpan(count: topicBytes) { topic in
      payload.withSpan(count: payloadBytes) { payload in
        texts.withBytes(of: clientID) { clientID in
          texts.withBytes(of: user) { name in
            properties.withBytes { properties in
              do throws(EncodeError) {
                try session.open(
                  options, clientID: clientID,
                  will: Will(topic: topic, payload: payload, qos: .atLeastOnce, retain: true),
                  userName: user.isEmpty ? nil : name, password: user.isEmpty ? nil : password,
                  properties: properties, at: now)
              } catch {
                preconditionFailure("the profile's strings and the send buffer fit each other")
              }
            }
          }
        }
      }
    }
  }

  /// There is no way to the broker, or no longer one.
  public mutating func failed(_ fault: DialFault, at now: Instant) {
    switch state {
    case .dialing, .opening, .online: lose(.dial(fault), at: now)
    case .returning: lose(.returned, at: now)
    case .closing: stop()
    case .waiting, .stopped: break
    }
  }

  /// The way is open, but the file with the password cannot be read (`code`: errno): no session is opened.
  public mutating func passwordUnreadable(code: Int32, at now: Instant) {
    guard case .dialing = state else { return }
    lose(.passwordUnreadable(code: code), at: now)
  }

  /// Does what is due at `now`.
  public mutating func deadlineReached(at now: Instant) {
    if isOnline { stepWindow(at: now) }
    switch state {
    case .waiting(let until) where until <= now:
      beginAttempt()
      state = .dialing
      action = .open
    case .online where answerBy <= now:
      // A large message over a slow link has not come across yet.
      guard session.isDelivering(at: now, patience: spec.answerTimeout) else {
        return lose(.unanswered, at: now)
      }
      answerBy = now + spec.replyTimeout
    case .returning(let until) where until <= now: lose(.returned, at: now)
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
    if case .returning = state {
      state = .closing(until: now + timeout)
      return
    }
    guard isOnline else { return stop() }
    session.disconnect()
    state = .closing(until: now + timeout)
  }
}
