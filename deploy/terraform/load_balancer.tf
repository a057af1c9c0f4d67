resource "aws_security_group" "load_balancer" {
  name_prefix = "${var.name}-nlb-"
  description = "Clients of ${var.name}"
  vpc_id      = var.vpc_id

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = {
    for pair in setproduct(keys(var.ports), var.client_cidrs) : "${pair[0]} ${pair[1]}" => {
      port = var.ports[pair[0]].port
      cidr = pair[1]
    }
  }

  security_group_id = aws_security_group.load_balancer.id
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
}

# To the pods, health checks included. The pods' own security group must admit this group.
resource "aws_vpc_security_group_egress_rule" "pods" {
  security_group_id = aws_security_group.load_balancer.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_lb" "this" {
  name               = var.name
  load_balancer_type = "network"
  internal           = true
  subnets            = var.subnet_ids
  security_groups    = [aws_security_group.load_balancer.id]

  # The endpoint service decides who connects through PrivateLink.
  enforce_security_group_inbound_rules_on_private_link_traffic = "off"

  # A zone without pods still serves.
  enable_cross_zone_load_balancing = true
}

# No aws_lb_target_group_attachment: the sidecars register the targets.
resource "aws_lb_target_group" "this" {
  for_each = var.ports

  name        = "${var.name}-${each.key}"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "TCP"
  port        = each.value.port

  deregistration_delay = var.deregistration_delay
  # The sidecar waits for connections that are open after the delay; true would cut them.
  connection_termination = false

  # An unhealthy target gets no new connections but keeps the open ones.
  target_health_state {
    enable_unhealthy_connection_termination = false
    unhealthy_draining_interval             = var.deregistration_delay
  }

  health_check {
    protocol = each.value.health_check_protocol
    port     = each.value.health_check_port
    path     = each.value.health_check_path
    # The shortest that an NLB allows: 10 s until a new pod serves, 10 s until a failing one stops.
    interval = 5
    # Its default of 10 s would be longer than the interval, which AWS refuses.
    timeout             = 4
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  # For ../iam-policy-shared.json.
  tags = merge(
    { "kubernetes-namespace" = var.service_account.namespace },
    { for cluster in data.aws_eks_cluster.this : "eks-cluster-arn" => cluster.arn },
  )
}

resource "aws_lb_listener" "this" {
  for_each = var.ports

  load_balancer_arn = aws_lb.this.arn
  protocol          = "TCP"
  port              = each.value.port

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }
}
