/// What no agent can make good: lives with it show that the promises are really watched.
public enum Sabotage: Sendable, CaseIterable {
  /// Flash that says that it is synced, and is not.
  case lyingFlash
  /// A broker that acknowledges a message in a hundred and hands it to nobody.
  case losingBroker
  /// A broker of whose statuses one in ten never comes out.
  case staleStatus
}
