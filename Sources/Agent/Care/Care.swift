import Core
import Device

/// Remote care as it stands: a request on its way in, and the answer on its way out. Without care it has no
/// memory, and nothing happens.
///
/// A request is a message of 88 characters of base64, a line feed and the body. What is signed is
/// `sandpiper-care-v1`, a line feed, `<base>/<id>`, a line feed and the body; the first part lies in memory
/// from the start, and the body is received behind it:
///
///     | sandpiper-care-v1 LF base/id LF | body ...               | signature LF |
///     0                          bodyStart                signatureStart
struct Care: ~Copyable {
  let isOn: Bool
  let allowed: CareTasks
  private var memory: Table<UInt8>
  private let bodyStart: Int
  private let signatureStart: Int
  /// Bytes of the message that is being received; nil while there is none.
  private var expected: Int?
  private var received = 0
  private var signature = FixedText<64>()

  /// The number of the last request, and whether the rim has one: else only the time tells an old request.
  var number: UInt64 = 0
  var hasRecord = false
  /// The request that is being carried out, and why it is not.
  var request = CareRequest()
  var refusal: StaticString?
  /// What the rim does for it now; no message is looked at meanwhile.
  private(set) var step: CareAction?
  private var isStepTaken = false
  /// What the rim has to do besides.
  var logAction: CareAction?
  var confirms = false
  var forgets: UInt64?

  /// Requests that nobody has a right to, or that came too fast, since the start.
  var refused: UInt32 = 0
  var complainsAt = Instant.boot
  private var budget = VerifyBudget()
  /// The message that goes by is one of those.
  var skips = false

  /// What is to be said: first what the rim keeps, too, until the broker has it, then what it does not.
  private var answers: Table<CareAnswer>
  private var sending = InlineArray<2, Sending>(repeating: .nothing)
  private var tags = InlineArray<2, UInt32>(repeating: 0)
  private var tag: UInt32 = 0
  /// The number of the request that is answered with the state of the device; 0 for none.
  var statusFor: UInt64 = 0

  /// When the log goes back to its level.
  var logUntil = Instant.never
  /// When a profile on trial is given up, unless it has just proved itself.
  var trialUntil = Instant.never
  var isOnTrial = false
  /// How long it has to stay online once it has proved itself, and when it has.
  private var hold = Interval.zero
  private var holdsUntil = Instant.never
  /// Why it is given up, and why there was no link last.
  var trialFault: StaticString = ""
  var linkFault: StaticString?
  /// The request for the subscription, and whether it was granted in this session.
  var subscription: UInt16?
  var isSubscribed = false
  /// The broker has taken this session's birth, and it has come back on the topic of the status.
  var hasBirth = false
  var isBirthHeard = false

  private enum Sending: BitwiseCopyable { case nothing, waits, underWay }

  /// Bytes of base64 and a line feed before the body.
  static var headBytes: Int { 89 }

  init(_ spec: CareSpec, _ points: borrowing Points, arena: inout Arena) {
    isOn = spec.isOn
    allowed = spec.allowed
    let device = points.spec
    let prefix: StaticString = "sandpiper-care-v1\n"
    bodyStart = prefix.utf8CodeUnitCount + Int(device.base.count) + Int(device.id.count) + 2
    signatureStart = bodyStart + spec.bodyBytesMax
    guard spec.isOn else {
      memory = Table()
      answers = Table()
      return
    }
    memory = arena.table(
      "request for remote care", count: signatureStart + Self.headBytes, filledWith: 0)
    answers = arena.table(
      "its answers", count: 2, filledWith: CareAnswer(0, nil, .refused))
    guard !arena.isMeasuring else { return }
    _ = memory.fill(from: 0, limit: bodyStart) { out in
      out.append(literal: prefix)
      points.texts.withBytes(of: device.base) { out.append(contentsOf: $0) }
      out.append(UInt8(ascii: "/"))
      points.texts.withBytes(of: device.id) { out.append(contentsOf: $0) }
      out.append(UInt8(ascii: "\n"))
    }
  }

  /// When something is due.
  var deadline: Instant { min(logUntil, min(trialEnd, holdsUntil)) }

  /// The longest message, in bytes.
  var messageBytesMax: Int { signatureStart - bodyStart + Self.headBytes }

  // MARK: A request on its way in

  /// True when one more signature may be verified.
  mutating func admits(at now: Instant) -> Bool { budget.take(at: now) }

  mutating func begin(messageBytes: Int) {
    expected = messageBytes
    received = 0
  }

  /// True while a message is being received.
  var isReceiving: Bool { expected != nil }

  mutating func forgetReceived() { expected = nil }

  /// Takes the next bytes of the message, of which there are no more than were announced.
  mutating func take(_ piece: Span<UInt8>) {
    guard let expected, received + piece.count <= expected else { return }
    let head = max(0, min(piece.count, Self.headBytes - received))
    _ = memory.fill(from: signatureStart + min(received, Self.headBytes), limit: head) { out in
      out.append(contentsOf: piece.extracting(0..<head))
    }
    let bodyBytes = max(0, received - Self.headBytes)
    _ = memory.fill(from: bodyStart + bodyBytes, limit: piece.count - head) { out in
      out.append(contentsOf: piece.extracting(head..<piece.count))
    }
    received += piece.count
  }

  /// True when the message is whole and has the form of one that is signed: what is left is to see by whom.
  mutating func finish() -> Bool {
    guard let expected, received == expected, received > Self.headBytes else { return false }
    self.expected = nil
    var isGood = false
    signature = Self.decoded(memory, from: signatureStart, &isGood)
    return isGood && signature.count == 64
      && memory[signatureStart + Self.headBytes - 1] == UInt8(ascii: "\n")
  }

  private static func decoded(
    _ memory: borrowing Table<UInt8>, from start: Int, _ isGood: inout Bool
  ) -> FixedText<64> {
    var isBase64 = false
    let text = memory.withSpan(from: start, count: headBytes - 1) { text in
      FixedText<64> { out in isBase64 = out.append(decodingBase64: text) }
    }
    isGood = isBase64
    return text
  }

  /// Lends what is signed, and the signature.
  func withSigned<R>(_ body: (_ message: Span<UInt8>, _ signature: Span<UInt8>) -> R) -> R {
    memory.withSpan(from: 0, count: bodyStart + received - Self.headBytes) { message in
      signature.withBytes { signature in body(message, signature) }
    }
  }

  /// What the message asks for.
  func read() -> CareRequest {
    memory.withSpan(from: bodyStart, count: received - Self.headBytes) { CareRequest($0) }
  }

  /// Lends the profile that the request has brought.
  func withProfile<R>(_ body: (Span<UInt8>) -> R) -> R {
    memory.withSpan(
      from: bodyStart + Int(request.profile.offset), count: Int(request.profile.count), body)
  }

  // MARK: The answer on its way out

  /// The place of the next answer that has to be sent; nil for none.
  var waiting: Int? {
    if sending[0] == .waits { return 0 }
    return sending[1] == .waits ? 1 : nil
  }

  /// What is to be said from there.
  func answer(_ place: Int) -> CareAnswer { answers[place] }

  /// Has `answer` said. What is kept gives way to nothing that is not.
  mutating func say(_ answer: CareAnswer, isKept: Bool) {
    let place = isKept ? 0 : 1
    answers[place] = answer
    sending[place] = .waits
  }

  /// The tag that the answer would be sent with: unlike those of the status, which have 16 bits.
  var nextTag: UInt32 { 0x1_0000 | (tag &+ 1) & 0xFFFF }

  mutating func wasSent(_ place: Int) {
    tag = nextTag
    tags[place] = tag
    sending[place] = .underWay
  }

  /// The broker has the message of `tag`. What it has refused waits for another session, where somebody may have
  /// given the right.
  mutating func wasAcknowledged(_ tag: UInt32) {
    for place in 0..<2 where sending[place] == .underWay && tags[place] == tag {
      sending[place] = .nothing
      if place == 0 { forgets = answers[0].number }
    }
  }

  // MARK: A profile on trial

  mutating func beginTrial(_ within: Interval, at now: Instant) {
    isOnTrial = true
    trialUntil = now + within
    hold = min(.seconds(30), within / 2)
  }

  /// Something of what it has to show has come. With all of it the session has to last: one lucky moment is no
  /// link that a device can be cared for by.
  mutating func proved(at now: Instant) {
    guard trialUntil < .never, missing == nil, holdsUntil == .never else { return }
    holdsUntil = now + hold
  }

  /// When it is given up: not as long as it holds.
  private var trialEnd: Instant { holdsUntil < .never ? .never : trialUntil }

  /// True, once, when it has to be given up at `now`; when it has held, it is confirmed instead.
  mutating func trialFails(at now: Instant) -> Bool {
    let hasHeld = holdsUntil <= now
    let hasFailed = trialEnd <= now
    guard hasHeld || hasFailed else { return false }
    (trialUntil, holdsUntil) = (.never, .never)
    confirms = hasHeld
    return hasFailed
  }

  /// What it lacks in this session to have proved itself: the subscription, the birth's acknowledgement, and the
  /// birth itself; nil for nothing. One that could not be cared for any more would be the last, and a broker may
  /// grant subscriptions that nothing comes by, and in 3.1.1 acknowledge what it does not let pass (section
  /// 3.3.5): only what comes back was certainly taken.
  var missing: StaticString? {
    guard isSubscribed else { return "not-subscribed" }
    guard hasBirth else { return "status-not-taken" }
    return isBirthHeard ? nil : "status-not-heard"
  }

  /// The link is gone.
  mutating func linkLost() {
    expected = nil
    skips = false
    statusFor = 0
    subscription = nil
    (isSubscribed, hasBirth, isBirthHeard) = (false, false, false)
    holdsUntil = .never
    for place in 0..<2 where sending[place] == .underWay { sending[place] = .waits }
  }

  // MARK: The rim's part

  /// Has the rim do `step`, and waits for its answer.
  mutating func ask(_ step: CareAction) {
    self.step = step
    isStepTaken = false
  }

  /// The rim has answered.
  mutating func wasAnswered() { step = nil }

  /// The next thing for the rim to do, once.
  mutating func nextAction() -> CareAction? {
    if let step, !isStepTaken {
      isStepTaken = true
      return step
    }
    if let action = logAction {
      logAction = nil
      return action
    }
    if confirms {
      confirms = false
      return .confirm
    }
    guard let number = forgets else { return nil }
    forgets = nil
    return .forget(number)
  }
}

/// How many signatures may be verified: each costs a small board some milliseconds, and whoever may publish
/// under the topic can have it try as many as come in. One a second, and a few at once.
struct VerifyBudget: BitwiseCopyable {
  private var left = 3
  private var since = Instant.boot

  private static var most: Int { 3 }

  /// True when one more may be, which it is then.
  mutating func take(at now: Instant) -> Bool {
    let seconds = (now - since).seconds
    if left == Self.most || seconds >= Int64(wide: Self.most) {
      left = Self.most
      since = now
    } else if seconds > 0 {
      left = min(Self.most, left + Int(narrow: seconds))
      since = since + .seconds(seconds)
    }
    guard left > 0 else { return false }
    left -= 1
    return true
  }
}
