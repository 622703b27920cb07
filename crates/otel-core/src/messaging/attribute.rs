//! Keys of the messaging conventions.

pub(super) const BATCH_MESSAGE_COUNT: &str = "messaging.batch.message_count";
pub(super) const CLIENT_ID: &str = "messaging.client.id";
pub(super) const CONSUMER_GROUP_NAME: &str = "messaging.consumer.group.name";
pub(super) const CONVERSATION_ID: &str = "messaging.message.conversation_id";
pub(super) const DESTINATION_NAME: &str = "messaging.destination.name";
pub(super) const DESTINATION_PARTITION_ID: &str = "messaging.destination.partition.id";
pub(super) const DESTINATION_TEMPLATE: &str = "messaging.destination.template";
pub(super) const DESTINATION_TEMPORARY: &str = "messaging.destination.temporary";
pub(super) const MESSAGE_ID: &str = "messaging.message.id";
pub(super) const OPERATION_NAME: &str = "messaging.operation.name";
pub(super) const OPERATION_TYPE: &str = "messaging.operation.type";
pub(super) const SYSTEM: &str = "messaging.system";
