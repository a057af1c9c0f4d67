variable "name" {
  description = "Name of the load balancer, of the role, and the first part of each target group's name"
  type        = string

  validation {
    # With "-" and a port's name behind it, a target group's name may have 32 characters.
    condition     = can(regex("^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,18}[a-zA-Z0-9])?$", var.name))
    error_message = "Letters, digits and inner dashes, 20 at most."
  }
}

variable "vpc_id" {
  description = "VPC of the pods"
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the load balancer, one for each zone; pods in other zones stay unused (Target.NotInUse)"
  type        = list(string)
}

variable "ports" {
  description = "By a short name: the port that clients call and pods listen on, and what the health check asks"
  type = map(object({
    port = number
    # TCP, HTTP or HTTPS.
    health_check_protocol = optional(string, "TCP")
    health_check_port     = optional(string, "traffic-port")
    health_check_path     = optional(string)
  }))

  validation {
    condition     = alltrue([for name in keys(var.ports) : can(regex("^[a-zA-Z0-9]{1,11}$", name))])
    error_message = "Each name: letters and digits, 11 at most."
  }
}

variable "client_cidrs" {
  description = "From where clients may call the load balancer, PrivateLink aside"
  type        = list(string)
  default     = []
}

variable "deregistration_delay" {
  description = "Seconds that a deregistered target stays \"draining\"; the waits of the sidecar build on it"
  type        = number
  default     = 120
}

variable "privatelink_principals" {
  description = "Who may connect by PrivateLink, as ARNs; none: no endpoint service"
  type        = list(string)
  default     = []
}

variable "service_account" {
  description = "The pods' service account"
  type = object({
    namespace = string
    name      = string
  })
}

variable "oidc_provider_arn" {
  description = "For IRSA: the cluster's IAM OIDC provider; null: no IRSA"
  type        = string
  default     = null
}

variable "pod_identity_cluster" {
  description = "For EKS Pod Identity: the cluster's name; null: no Pod Identity"
  type        = string
  default     = null
}
