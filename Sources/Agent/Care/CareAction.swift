import Core

/// What the rim has to do for remote care.
public enum CareAction: BitwiseCopyable, Equatable, Sendable {
  /// See who has signed `withSignedCare`; answer with `careVerified`.
  case verify
  /// Keep the number of a request, durably, and with it what is to follow; answer with `careKept`.
  case keep(CareOrder)
  /// Have the log write what is as urgent as this; nil for what it wrote at the start.
  case log(CareLevel?)
  /// The profile on trial has proved itself: keep it; answer with `careConfirmed`.
  case confirm
  /// The broker has the answer that the rim keeps to the request of this number.
  case forget(UInt64)
}

/// What is kept along with a request's number.
public struct CareOrder: BitwiseCopyable, Equatable, Sendable {
  /// The request's number.
  public var number: UInt64
  /// What follows; nil for nothing: the request is refused.
  public var task: CareTask?
  /// How soon a profile, which `withProposedProfile` lends, has to prove itself.
  public var within: Interval
}

/// What became of a `CareOrder`.
public enum CareOutcome: BitwiseCopyable, Sendable {
  /// It is kept; a profile is good, and lies ready for the next run.
  case kept
  /// There is no place to keep it.
  case hasNoPlace
  /// What was kept before can't be read, and with it the last number: nothing is carried out.
  case unreadable
  /// It could not be kept.
  case failed
  /// The number is kept, the profile is not good.
  case profileRefused(CareReason)
  /// The number is kept, the profile is the one that the agent runs with.
  case profileUnchanged

  /// True when the number is kept.
  var isNumberKept: Bool {
    switch self {
    case .kept, .profileRefused, .profileUnchanged: true
    case .hasNoPlace, .unreadable, .failed: false
    }
  }
}

/// What the rim has kept from the run before.
public struct CareStart: BitwiseCopyable, Sendable {
  /// The last request's number.
  public var number: UInt64 = 0
  /// True when that is known: without a record any request may have been carried out before.
  public var hasRecord = false
  /// What is still to be said of it.
  public var answer: CareAnswer?
  /// How soon the profile of this run has to prove itself; nil when it has already.
  public var trial: Interval?

  /// Nothing.
  public init() {}

  /// What the record says.
  public init(_ record: CareRecord) {
    number = record.number
    hasRecord = record.number > 0
    answer = record.answer
    trial = record.trial?.within
  }
}
