"""What happens in time: durable workflows over the core. They never touch a database, a file or a clock."""
